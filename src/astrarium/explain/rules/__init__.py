"""The rules, one file a group. A rule is found by its name: `grep -rn adapter-lost src/astrarium/explain/rules`."""
