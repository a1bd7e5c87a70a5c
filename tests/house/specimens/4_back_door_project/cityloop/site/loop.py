from cityloop.projects.alpha import services
