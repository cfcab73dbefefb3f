"""Land: parcels and their versions, rights, claims that nobody else can make, imports."""
