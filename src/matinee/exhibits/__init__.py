"""Pages of tables and charts that need nothing but themselves."""
