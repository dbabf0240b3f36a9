"""The command line: one command a file, each the thinnest edge around what lies below."""
