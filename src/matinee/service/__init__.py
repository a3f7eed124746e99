"""A database, a REST API and a page in front of a trained model."""
