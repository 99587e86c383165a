"""auth, users, views, files and canvases."""

from collections.abc import Mapping
from typing import Any

from tests.strict_slack.arguments import Arguments
from tests.strict_slack.methods_chat import ChatMethods
from tests.strict_slack.refusal import Refused, invalid
from tests.strict_slack.shapes import Json
from tests.strict_slack.views import OpenView, Triggers, Views
from tests.strict_slack.web_api import Perform
from tests.strict_slack.world import BOT_ID, BOT_USER, TEAM_ID, Message, Upload, World


class PeopleMethods:
    def __init__(self, world: World, scopes: frozenset[str]) -> None:
        self._world = world
        self._with_email = "users:read.email" in scopes

    def table(self) -> Mapping[str, Perform]:
        return {
            "api.test": lambda _: {},
            "auth.test": self.who,
            "users.info": self.info,
            "users.list": self.everyone,
            "users.lookupByEmail": self.by_email,
            "usergroups.users.list": self.of_group,
        }

    def who(self, _: Arguments) -> Json:
        bot = {"user": "firstfive", "user_id": BOT_USER, "bot_id": BOT_ID}
        return {"url": "https://strict.slack.test/", "team": "Strict", "team_id": TEAM_ID, **bot}

    def info(self, given: Arguments) -> Json:
        return {"user": self._world.person(given.text("user")).as_json(with_email=self._with_email)}

    def everyone(self, _: Arguments) -> Json:
        members = [person.as_json(with_email=self._with_email) for person in self._world.people.values()]
        return {"members": members, "response_metadata": {"next_cursor": ""}}

    def by_email(self, given: Arguments) -> Json:
        for person in self._world.people.values():
            if person.email == given.text("email"):
                return {"user": person.as_json(with_email=True)}
        raise Refused("users_not_found")

    def of_group(self, given: Arguments) -> Json:
        if given.text("usergroup") not in self._world.groups:
            raise Refused("no_such_subteam")
        return {"users": list(self._world.groups[given.text("usergroup")])}


class ViewMethods:
    def __init__(self, views: Views, triggers: Triggers, world: World) -> None:
        self._views = views
        self._triggers = triggers
        self._world = world

    def table(self) -> Mapping[str, Perform]:
        return {
            "views.open": self.open,
            "views.push": self.push,
            "views.update": self.update,
            "views.publish": self.publish,
        }

    def open(self, given: Arguments) -> Json:
        user, trigger = self._by_trigger(given)
        view = self._views.open(user, given.raw("view"))
        self._triggers.spend(trigger)
        return {"view": view.as_json()}

    def push(self, given: Arguments) -> Json:
        user, trigger = self._by_trigger(given)
        view = self._views.push(user, given.raw("view"))
        self._triggers.spend(trigger)
        return {"view": view.as_json()}

    def _by_trigger(self, given: Arguments) -> tuple[str, str]:
        trigger = given.text("trigger_id") or given.text("interactivity_pointer")
        return self._triggers.owner(trigger), trigger

    def update(self, given: Arguments) -> Json:
        view_id, external_id = given.text("view_id"), given.text("external_id")
        if bool(view_id) == bool(external_id):
            raise invalid("invalid_arguments", ["Provide exactly one of `view_id` and `external_id`"])
        view = self._views.find(view_id, external_id)
        return {"view": self._views.update(view, given.raw("view"), _hash(given)).as_json()}

    def publish(self, given: Arguments) -> Json:
        user = self._world.person(given.text("user_id"))
        view: OpenView = self._views.publish(user.id, given.raw("view"), _hash(given))
        return {"view": view.as_json()}


def _hash(given: Arguments) -> str | None:
    return given.text("hash") if "hash" in given else None


class FileMethods:
    """Files in three steps (address, bytes, completion), and canvases."""

    def __init__(self, world: World, chat: ChatMethods) -> None:
        self._world = world
        self._chat = chat
        self.base_url = ""

    def table(self) -> Mapping[str, Perform]:
        return {
            "files.getUploadURLExternal": self.reserve,
            "files.completeUploadExternal": self.complete,
            "files.info": self.info,
            "canvases.create": self.canvas,
            "conversations.canvases.create": self.canvas,
        }

    def reserve(self, given: Arguments) -> Json:
        upload = Upload(self._world.next_id("F"), given.text("filename"), given.whole("length", 0, 1_000_000_000))
        upload.alt_text = given.text("alt_text") or given.text("alt_txt")
        self._world.uploads[upload.id] = upload
        return {"upload_url": f"{self.base_url}/upload/{upload.id}", "file_id": upload.id}

    def _upload(self, file_id: object) -> Upload:
        upload = self._world.uploads.get(str(file_id))
        if upload is None:
            raise Refused("file_not_found")
        return upload

    def complete(self, given: Arguments) -> Json:
        uploads = [self._finished(each) for each in given.raw("files")]
        for channel_id in given.words("channels") or given.words("channel_id"):
            self._share(channel_id, uploads, given)
        for upload in uploads:
            upload.completed = True
        return {"files": [upload.as_json() for upload in uploads]}

    def _finished(self, each: Any) -> Upload:
        upload = self._upload(each.get("id"))
        if upload.completed:
            raise Refused("file_already_completed")
        if upload.content is None or len(upload.content) != upload.length:
            raise Refused("file_not_found" if upload.content is None else "file_size_mismatch")
        upload.title = str(each.get("title") or "")
        return upload

    def _share(self, channel_id: str, uploads: list[Upload], given: Arguments) -> None:
        channel = self._world.writable_channel(channel_id)
        for upload in uploads:
            upload.shares.append(channel.id)
        body: dict[str, Any] = {"text": given.text("initial_comment"), "blocks": []}
        if given.raw("blocks"):
            body = self._chat.checked_body(given.given)
        message = Message(channel.id, self._world.next_moment(), BOT_USER, **body)
        message.thread_ts = given.text("thread_ts") or None
        message.files = [upload.as_json() for upload in uploads]
        self._world.post(message)

    def info(self, given: Arguments) -> Json:
        return {"file": self._upload(given.text("file")).as_json()}

    def canvas(self, given: Arguments) -> Json:
        content = given.raw("document_content") or {}
        if content and content.get("type") != "markdown":
            raise Refused("invalid_arguments")
        if len(str(content.get("markdown", "")).encode()) > 1_048_576:
            raise Refused("canvas_too_large")
        channel = self._world.writable_channel(given.text("channel_id")) if "channel_id" in given else None
        if channel and any(canvas["channel_id"] == channel.id for canvas in self._world.canvases.values()):
            raise Refused("channel_canvas_already_exists")
        canvas_id = self._world.next_id("F")
        self._world.canvases[canvas_id] = {
            "title": given.text("title"),
            "markdown": content.get("markdown", ""),
            "channel_id": channel.id if channel else None,
        }
        return {"canvas_id": canvas_id}
