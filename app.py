"""The one process: the screens, and our own routes beside them. ``streamlit run app.py``."""

import streamlit as st

from sinks.web.routes import middleware, routes
from sinks.web.service import lifespan

app = st.App("pages/_router.py", routes=routes, middleware=middleware, lifespan=lifespan)
