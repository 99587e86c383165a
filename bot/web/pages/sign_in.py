"""Signing in to the pages, where an API token is set. Browsers carry a pass made from the token, never the token."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.web.pages.forms import form_of
from bot.web.pages.rendering import Rendering
from bot.web.tokens import admits, pass_for, same

COOKIE = "firstfive_pages"
DAYS = 30
PATH = "/sign-in"


@dataclass(frozen=True, slots=True)
class SignIn:
    """The form, and the check of who has filled it in. Paths that begin like one of ``private`` check for themselves."""

    token: str | None
    rendering: Rendering
    private: tuple[str, ...] = ()

    def routes(self) -> list[Route]:
        """The form's route."""
        return [Route(PATH, self.form), Route(PATH, self.enter, methods=["POST"])]

    def admits(self, request: Request) -> Response | None:
        """None for those who may see pages, else the way to the form."""
        path = request.url.path
        if (
            not self.token
            or path == PATH
            or path.startswith(("/static/", *self.private))
            or admits(request, self.token)
        ):
            return None
        if same(request.cookies.get(COOKIE, ""), pass_for(self.token, "pages")):
            return None
        if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse("Sign in first.\n", 401, {"WWW-Authenticate": 'Bearer realm="firstfive"'})
        return RedirectResponse(f"{PATH}?next={quote(_as_sent(request))}", 303)

    async def form(self, request: Request) -> Response:
        """Ask for the token."""
        return self.rendering.page("sign_in", next=_inside(request.query_params.get("next", "/")), error="")

    async def enter(self, request: Request) -> Response:
        """Check the token and hand out the pass."""
        filled = await form_of(request)
        onwards = _inside(filled.get("next", "/"))
        if not self.token or not same(filled.get("token", "").strip(), self.token):
            error = "This is not the API token. The one who runs firstfive has it (FIRSTFIVE_API_TOKEN)."
            return self.rendering.page("sign_in", 401, next=onwards, error=error)
        answer = RedirectResponse(onwards, 303)
        answer.set_cookie(
            COOKIE,
            pass_for(self.token, "pages"),
            max_age=DAYS * 86400,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return answer


def _as_sent(request: Request) -> str:
    """The path and the query, still encoded: decoded, a name with ``?`` or ``%`` in it would lead elsewhere."""
    path: bytes = request.scope["raw_path"]
    query = request.url.query
    return path.decode("latin-1") + (f"?{query}" if query else "")


def _inside(path: str) -> str:
    """The path, when it stays on these pages."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
