"""The dialogs: what they show, and what people answered in them."""
