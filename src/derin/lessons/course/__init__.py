"""The course as pages in a browser: lessons, a playground, a glossary; nothing is loaded from anywhere."""
