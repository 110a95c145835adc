"""Who has access to what, and who answers for it. (Accounts *on systems*; those who sign in to the portal
are in `portal.users`.)"""
