"""A record as people read it: HTML, Markdown, terminal. Pure functions; nothing here touches the network."""
