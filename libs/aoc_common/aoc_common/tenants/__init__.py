"""The tenants: Microsoft 365 organisations, and the app registrations by which they are read.

- `tenant`: what is known of a tenant; `privacy`: what it hides from roles
- `clouds`: where Microsoft's services are, cloud by cloud
- `file`: the tenants file
- `needs`: which permissions and licences each source needs; `remedies`: what to do when one cannot be collected
- `registry`: what services ask about tenants; `file_registry` answers from the tenants file, `stored_registry` from the
  database, `combined_registry` from both
- `records`: a tenant as the database has it, with who changed what; `administration` changes it
"""
