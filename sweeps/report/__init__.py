"""What people read: tables for terminal and files, figures, the HTML page."""
