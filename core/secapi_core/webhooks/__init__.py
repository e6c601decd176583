"""What a webhook is, apart from where it is kept and how it is sent: events, signatures, addresses, outcomes. Pure
but for the resolving of names.
"""
