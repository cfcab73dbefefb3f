"""Court cases, loss of carbon, orders, ecological compensation and the balance of wetland area."""
