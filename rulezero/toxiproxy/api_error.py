"""Every answer of the API that is not a success. The messages are Toxiproxy's interface."""

from http import HTTPStatus


class ApiError(Exception):
    """An error message with its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def bad_request_body(reason: object) -> ApiError:
    """Refuse a body that is no JSON, or JSON of the wrong shape."""
    return ApiError(f"bad request body: {reason}", HTTPStatus.BAD_REQUEST)


def missing_field(field: str) -> ApiError:
    """Refuse a proxy without name or upstream."""
    return ApiError(f"missing required field: {field}", HTTPStatus.BAD_REQUEST)


def invalid_stream() -> ApiError:
    """Refuse a stream that is neither direction."""
    return ApiError("stream was invalid, can be either upstream or downstream", HTTPStatus.BAD_REQUEST)


def invalid_toxic_type() -> ApiError:
    """Refuse a type that is not known."""
    return ApiError("invalid toxic type", HTTPStatus.BAD_REQUEST)


def proxy_not_found() -> ApiError:
    """Tell that no proxy has the name."""
    return ApiError("proxy not found", HTTPStatus.NOT_FOUND)


def toxic_not_found() -> ApiError:
    """Tell that no toxic of the proxy has the name."""
    return ApiError("toxic not found", HTTPStatus.NOT_FOUND)


def proxy_exists() -> ApiError:
    """Refuse a name that is taken."""
    return ApiError("proxy already exists", HTTPStatus.CONFLICT)


def toxic_exists() -> ApiError:
    """Refuse a name that is taken on this proxy."""
    return ApiError("toxic already exists", HTTPStatus.CONFLICT)


def too_many(things: str, limit: int) -> ApiError:
    """Refuse what passes a bound of this server; the original has none."""
    return ApiError(f"too many {things}: the limit is {limit}", HTTPStatus.INSUFFICIENT_STORAGE)


def internal(reason: object) -> ApiError:
    """Tell that something outside failed, for example a port that is in use."""
    return ApiError(str(reason), HTTPStatus.INTERNAL_SERVER_ERROR)
