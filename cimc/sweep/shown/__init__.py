"""What a sweep shows: tables, pictures, pages."""
