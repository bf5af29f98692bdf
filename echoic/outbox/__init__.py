"""Messages to others: webhooks with signatures, each message sent until it arrives or is given up."""
