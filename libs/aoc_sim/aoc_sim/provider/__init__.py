"""Microsoft Entra ID as the identity provider of AOC's gateway: people sign in, applications get tokens."""
