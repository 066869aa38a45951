"""What people run: the local venue, the demo, venuectl and its trace; holds no state of its own."""
