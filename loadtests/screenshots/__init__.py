"""The pictures of docs/screenshots, made anew from real runs."""
