// SPDX-License-Identifier: GPL-2.0-only

// Prints what `runc events --stats` is made of, whole: runc-stats STATE ID.
// Runc leaves the RDMA figures out, though its library has read them.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/opencontainers/runc/libcontainer"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("use: runc-stats STATE ID, of a container of runc --root STATE")
	}
	factory, err := libcontainer.New(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	container, err := factory.Load(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	stats, err := container.Stats()
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(stats); err != nil {
		log.Fatal(err)
	}
}
