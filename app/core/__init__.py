"""The workspace's memory: database, audit trail, records, cohorts, models, jobs. No Qt, no torch."""
