"""The outbox of messages that the server sends by itself: webhooks, and the deliveries that are written with their cause."""
