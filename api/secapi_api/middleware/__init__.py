"""Pure ASGI layers around the application, outermost first: context, observation, failsafe, limits.

Each wraps ``send`` or ``receive`` and holds no body in memory. Their order is set in ``app.create_app``.
"""
