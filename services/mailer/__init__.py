"""The mailer: takes confirmations off the queue and sends them."""
