# SPDX-License-Identifier: GPL-2.0-only
# For crun, which ignores that: .linux.resources.unified["rdma.max"] =
#   "default hca_handle=2 hca_object=20"
.linux.resources.rdma = {"default": {"hcaHandles": 2, "hcaObjects": 20}}
