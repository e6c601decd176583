"""What a webhook is, apart from where it is kept and how it is sent: events, signatures, schedule, addresses."""
