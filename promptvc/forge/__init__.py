"""Forges: GitHub, GitLab, Gitea and Forgejo behind one protocol."""
