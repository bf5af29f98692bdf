"""A cluster on one machine: hosts with namespaces, links and disks of their own, and the real programs on them."""
