"""From finding to closure: lifecycle, deadlines, routing, escalation, outbox, audit."""
