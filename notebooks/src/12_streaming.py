# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 · Streaming

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("12", corpus="iemocap")

# %% [markdown]
# ## 1. What arrives?

# %% [markdown]
# ## 2. Where are the other answers?

# %% [markdown]
# ## 3. Why does it get slower every minute?

# %% [markdown]
# ## 4. Is anybody speaking?

# %% [markdown]
# ## 5. What do we show?

# %% [markdown]
# ## 6. Where does the time go?

# %% [markdown]
# ## 7. Is it the same as offline?

# %% [markdown]
# ## 8. Can it be smaller and faster?

# %% [markdown]
# ## 9. How many calls fit on one device?

# %% [markdown]
# ## Common mistakes

# %% [markdown]
# ## What you can now do
