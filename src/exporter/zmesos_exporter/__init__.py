"""zmesos-exporter: what a zmesosd does, as metrics for Prometheus. docs/monitoring.md says what each means.

Numbers that the daemon knows at any moment (tasks by state, offers) are asked for with each scrape. What happened between two
scrapes is counted from its events, which are followed so that none is missed and none counted twice.
"""
