"""What a person does: settings, commands, jobs, tabs. Never imports torch; the models live in pipelines."""
