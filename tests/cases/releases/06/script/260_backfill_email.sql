update member set email = 'unknown-' || id || '@invalid' where email is null or position('@' in email) <= 1;
