# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion of rdmacg-top, for bash.

_rdmacg_top()
{
	# shellcheck disable=SC2034 # _init_completion sets them all
	local cur prev words cword split
	local columns="percent usage limit from peak hit-rate fail-rate hits
		fails handles contexts objects qp cq mr pd srq rest mr-bytes pid
		command device resource cgroup"

	_init_completion -s || return
	case $prev in
	--sort | -s)
		mapfile -t COMPREPLY < <(compgen -W "$columns" -- "$cur")
		return
		;;
	--device | -D)
		mapfile -t COMPREPLY < <(compgen -W \
			"$(ls /sys/class/infiniband 2>/dev/null)" -- "$cur")
		return
		;;
	--root)
		_filedir -d
		return
		;;
	--restrack)
		_filedir
		return
		;;
	--delay | -d)
		return
		;;
	esac
	$split && return
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_parse_help "$1")" -- "$cur")
		[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
		return
	fi
	# Cgroups are named from the root of the hierarchy, or by their folder.
	if [[ $cur == /sys/* ]]; then
		_filedir -d
	else
		mapfile -t COMPREPLY < <(cd /sys/fs/cgroup 2>/dev/null &&
			compgen -d -S / -- "${cur#/}")
		compopt -o nospace
	fi
} && complete -F _rdmacg_top rdmacg-top
