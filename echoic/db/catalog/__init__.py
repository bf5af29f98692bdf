"""Libraries with their members and subscribers, and the datasets in them."""
