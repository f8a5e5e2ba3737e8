"""What is observed during a run: scrapes of every process, the spans they send, the machine itself."""
