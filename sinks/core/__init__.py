"""What every room stands on: database, settings, people, policies, documents, audit, calendar."""
