"""The application's side: where a connection's statements run, before and after a switch. It never loads the engine."""

__all__: list[str] = []
