"""What the window and the commands never load: they must start fast, and a CUDA crash must not take them down."""

import json
import subprocess
import sys
import textwrap

SLOW = {"torch", "sklearn", "pandas", "wfdb", "lightning", "onnxruntime", "matplotlib"}


def loaded(code):
    script = (
        textwrap.dedent(code) + "\nimport sys, json; print(json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_window_with_all_pages_loads_neither_torch_nor_other_slow_libraries(tmp_path):
    modules = loaded(f"""
        from pathlib import Path
        from PySide6.QtWidgets import QApplication
        from app.ui.window import PAGES, MainWindow
        from app.workspace import Workspace
        app = QApplication([])
        window = MainWindow(Workspace.create(Path({str(tmp_path / "ws")!r})))
        window.show()
        for title in PAGES:
            window.show_page(title)
        window.close()
    """)
    assert modules & SLOW == set()


def test_the_first_screen_needs_no_database_no_plots_and_no_scipy():
    modules = loaded("""
        import app.ui.main
        from PySide6.QtWidgets import QApplication
        from app.ui.window import MainWindow
        app = QApplication([])
        window = MainWindow()
        window.show()
        window.close()
    """)
    assert modules & (SLOW | {"sqlalchemy", "pyqtgraph", "scipy", "reportlab"}) == set()


def test_opening_a_workspace_needs_no_scipy_and_no_window(tmp_path):
    """Half of the time of every command was scipy's, before any of them used it."""
    modules = loaded(f"""
        from pathlib import Path
        from app.workspace import Workspace
        Workspace.create(Path({str(tmp_path / "ws")!r})).close()
    """)
    assert modules & (SLOW | {"PySide6", "pyqtgraph", "scipy", "reportlab"}) == set()
