"""The application: settings, command, process roles, and the wiring of all packages."""
