"""`make bench`: figures that SecAPI's claims come from. Each module measures one thing and returns plain numbers."""
