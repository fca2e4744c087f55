"""Public ECG corpora: where their files lie, what their tables say, and the 26 tasks of the study on them.

Nothing is downloaded. A dataset describes the layout that its distributor publishes, and reads it from a folder.
"""
