from workos.exceptions import BadRequestException, NotFoundException

from server import ServerTest


class Warrants(ServerTest):
    def of(self, resource_id):
        """The warrants of a document, as tuples."""
        page = self.fga.list_warrants(resource_type="document", resource_id=resource_id)
        return [
            (
                found.relation,
                found.subject.resource_type,
                found.subject.resource_id,
                found.subject.relation,
                found.policy,
            )
            for found in page.data
        ]

    def write(self, op, resource_id, relation, subject_type, subject_id, subject_relation=None, policy=None):
        return self.fga.write_warrant(
            op=op,
            resource_type="document",
            resource_id=resource_id,
            relation=relation,
            subject_type=subject_type,
            subject_id=subject_id,
            subject_relation=subject_relation,
            policy=policy,
        )

    def test_create_and_delete(self):
        self.assertTrue(self.write("create", "one", "editor", "user", "ann").warrant_token)
        self.assertEqual(self.of("one"), [("editor", "user", "ann", None, None)])
        self.assertEqual(self.fga.get_resource(resource_type="document", resource_id="one").resource_id, "one")
        self.assertTrue(self.write("delete", "one", "editor", "user", "ann").warrant_token)
        self.assertEqual(self.of("one"), [])
        with self.refused(NotFoundException, "not_found"):
            self.write("delete", "one", "editor", "user", "ann")

    def test_groups(self):
        self.write("create", "grouped", "editor", "group", "staff", "member")
        self.assertEqual(self.of("grouped"), [("editor", "group", "staff", "member", None)])
        self.fga.batch_write_warrants(
            batch=[
                self.warrant("group:staff", "member", "group:leads#member"),
                self.warrant("group:leads", "member", "user:lea"),
            ]
        )
        answer = self.fga.check(checks=[self.check("document:grouped", "editor", "user:lea")])
        self.assertTrue(answer.authorized())
        self.assertTrue(answer.is_implicit)
        # The group as a subject is another question than one of its members.
        self.assertTrue(self.fga.check(checks=[self.check("document:grouped", "editor", "group:staff#member")]).authorized())
        self.assertTrue(self.fga.check(checks=[self.check("document:grouped", "editor", "group:leads#member")]).authorized())
        self.assertFalse(self.fga.check(checks=[self.check("document:grouped", "editor", "group:staff")]).authorized())
        (row,) = self.fga.query(q="select document where user:lea is editor").data
        self.assertEqual((row.resource_id, row.is_implicit), ("grouped", False))
        self.assertEqual(row.warrant.subject.resource_id, "staff")
        self.assertEqual(row.warrant.subject.relation, "member")
        found = self.fga.list_warrants(subject_type="group", subject_id="leads", subject_relation="member")
        self.assertEqual([(w.resource_type, w.resource_id) for w in found.data], [("group", "staff")])
        with self.refused(BadRequestException, "invalid_parameter"):
            self.write("create", "grouped", "editor", "group", "*", "member")
        with self.refused(BadRequestException, "invalid_parameter"):
            self.write("create", "grouped", "editor", "group", "staff")

    def test_policies(self):
        for region in ["eu", "us"]:
            self.write("create", "regional", "editor", "user", "ann", policy=f'region == "{region}"')
        self.assertEqual([found[4] for found in self.of("regional")], ['region == "us"', 'region == "eu"'])
        ask = lambda context: self.fga.check(checks=[self.check("document:regional", "editor", "user:ann", context)])
        self.assertTrue(ask({"region": "eu"}).authorized())
        self.assertTrue(ask({"region": "us"}).authorized())
        self.assertFalse(ask({"region": "asia"}).authorized())
        self.assertFalse(ask(None).authorized())
        with self.refused(NotFoundException, "not_found"):
            self.write("delete", "regional", "editor", "user", "ann")
        self.write("delete", "regional", "editor", "user", "ann", policy='region == "us"')
        self.assertEqual([found[4] for found in self.of("regional")], ['region == "eu"'])
        with self.refused(BadRequestException, "invalid_parameter", "policy"):
            self.write("create", "regional", "editor", "user", "ann", policy='element = "115"')

    def test_batch(self):
        self.write("create", "mixed", "editor", "user", "old")
        answer = self.fga.batch_write_warrants(
            batch=[
                self.warrant("document:mixed", "editor", "user:new", op="create"),
                self.warrant("document:mixed", "editor", "user:old", op="delete"),
                {**self.warrant("document:mixed", "viewer", "user:other"), "policy": None},
            ]
        )
        self.assertTrue(answer.warrant_token)
        self.assertEqual([found[2] for found in self.of("mixed")], ["other", "new"])
        with self.refused(BadRequestException, "invalid_parameter"):
            self.fga.batch_write_warrants(
                batch=[
                    self.warrant("document:mixed", "editor", "user:third"),
                    self.warrant("planet:mars", "editor", "user:third"),
                ]
            )
        self.assertEqual([found[2] for found in self.of("mixed")], ["other", "new"])

    def test_wildcard(self):
        self.write("create", "public", "viewer", "user", "*")
        self.assertTrue(self.fga.check(checks=[self.check("document:public", "viewer", "user:anyone")]).authorized())
        (row,) = self.fga.query(q="select viewer of type user for document:public").data
        self.assertEqual((row.resource_type, row.resource_id), ("user", "*"))
        with self.assertRaises((NotFoundException, BadRequestException)):
            self.fga.get_resource(resource_type="user", resource_id="*")


class WarrantLists(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fga.batch_write_warrants(
            batch=[cls.warrant("document:read", "viewer", f"user:u{n:02}") for n in range(35)]
        )
        cls.token = cls.fga.batch_write_warrants(
            batch=[cls.warrant("document:read", "editor", "user:u05")]
        ).warrant_token

    def test_newest_first(self):
        page = self.fga.list_warrants(resource_type="document", relation="viewer")
        self.assertEqual(page.object, "list")
        self.assertEqual([found.subject.resource_id for found in page.data], [f"u{n:02}" for n in range(34, 24, -1)])

    def test_iteration_carries_filters_and_token(self):
        page = self.fga.list_warrants(
            resource_type="document", resource_id="read", relation="viewer", limit=4, warrant_token=self.token
        )
        found = [warrant.subject.resource_id for warrant in page]
        self.assertEqual(found, [f"u{n:02}" for n in range(34, -1, -1)])

    def test_by_subject(self):
        page = self.fga.list_warrants(subject_type="user", subject_id="u05", order="asc")
        self.assertEqual([found.relation for found in page.data], ["viewer", "editor"])

    def test_forwards_and_back(self):
        options = {"resource_type": "document", "relation": "viewer", "limit": 5}
        first = self.fga.list_warrants(**options)
        second = self.fga.list_warrants(**options, after=first.list_metadata.after)
        back = self.fga.list_warrants(**options, before=second.list_metadata.before)
        self.assertEqual(back.data, first.data)

    def test_an_id_needs_its_type(self):
        for filters in [{"resource_id": "read"}, {"relation": "viewer"}, {"subject_id": "u05"}]:
            with self.subTest(filters), self.assertRaises(BadRequestException):
                self.fga.list_warrants(**filters)
