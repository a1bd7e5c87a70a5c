from cityloop.projects.beta import project
