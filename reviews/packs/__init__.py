"""Evidence packs: what goes in (`manifest`), how people read it (`render`), and the bag around it (`bag`)."""
