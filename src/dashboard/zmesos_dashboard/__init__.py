"""zmesos-dashboard: a zmesosd in the browser. docs/dashboard.md says how it is used and what its JSON API is.

    source   what zmesosd says, by the Python package: a snapshot, then every event; in threads
    model    tasks as they are, by id and by state; search
    history  how many tasks were in which state, over time
    hub      server-sent events to browsers
    describe messages as JSON
    service  puts these together
    api, guard, pages, main    HTTP, what protects it, the files, the program
"""
