from workos.exceptions import AuthenticationException, BadRequestException

from server import ServerTest


class Errors(ServerTest):
    def test_a_wrong_key_is_not_let_in_whatever_is_asked(self):
        fga = self.server.sdk(api_key="sk_test_wrong").fga
        name = {"resource_type": "user", "resource_id": "ann"}
        check = self.check("user:ann", "member", "user:ann")
        for call in [
            lambda: fga.check(checks=[check]),
            lambda: fga.check_batch(checks=[check]),
            lambda: fga.query(q="select user where user:ann is member"),
            lambda: fga.create_resource(**name),
            lambda: fga.get_resource(**name),
            lambda: fga.list_resources(),
            lambda: fga.update_resource(**name, meta={}),
            lambda: fga.delete_resource(**name),
            lambda: fga.list_resource_types(),
            lambda: fga.write_warrant(op="create", relation="member", subject_type="user", subject_id="ann", **name),
            lambda: fga.batch_write_warrants(batch=[check]),
            lambda: fga.list_warrants(),
        ]:
            with self.refused(AuthenticationException, "unauthorized"):
                call()

    def test_messages_say_what_is_wrong(self):
        with self.assertRaises(BadRequestException) as caught:
            self.fga.list_resources(limit=0)
        self.assertIn("limit", str(caught.exception))
        self.assertIn(caught.exception.request_id, str(caught.exception))
