"""What the system is deployed with, made from the roster: users of NATS, images, `docker-compose.yml`."""
