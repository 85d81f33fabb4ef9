from workos.exceptions import BadRequestException, NotFoundException

from server import ServerTest


class Query(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fga.create_resource(resource_type="document", resource_id="plan", meta={"title": "Plan"})
        cls.token = cls.fga.batch_write_warrants(
            batch=[
                cls.warrant("document:plan", "owner", "user:ann"),
                cls.warrant("document:notes", "viewer", "user:ann"),
                cls.warrant("document:plan", "parent", "folder:top"),
                cls.warrant("folder:top", "owner", "user:fay"),
                cls.warrant("document:secret", "viewer", "user:con", policy='region == "eu"'),
                *[cls.warrant(f"document:d{n:02}", "editor", "user:many") for n in range(33)],
            ]
        ).warrant_token

    def test_fields(self):
        page = self.fga.query(q="select document where user:ann is viewer", order="asc", warrant_token=self.token)
        self.assertEqual(page.object, "list")
        self.assertIsNone(page.warnings)
        self.assertIsNone(page.list_metadata.after)
        notes, plan = page.data
        self.assertEqual((notes.resource_type, notes.resource_id, notes.relation), ("document", "notes", "viewer"))
        self.assertEqual((notes.is_implicit, notes.meta), (False, None))
        self.assertEqual((plan.resource_id, plan.relation, plan.is_implicit, plan.meta), ("plan", "viewer", True, {"title": "Plan"}))
        warrant = plan.warrant
        self.assertEqual((warrant.resource_type, warrant.resource_id, warrant.relation), ("document", "plan", "owner"))
        self.assertEqual((warrant.subject.resource_type, warrant.subject.resource_id), ("user", "ann"))
        self.assertIsNone(warrant.subject.relation)
        self.assertIsNone(warrant.policy)

    def test_subjects(self):
        page = self.fga.query(q="select viewer of type user for document:plan", order="asc")
        self.assertEqual([(row.resource_type, row.resource_id) for row in page.data], [("user", "ann"), ("user", "fay")])
        self.assertEqual(page.data[1].warrant.resource_id, "top")

    def test_policies(self):
        q = "select document where user:con is viewer"
        (row,) = self.fga.query(q=q, context={"region": "eu"}).data
        self.assertEqual(row.warrant.policy, 'region == "eu"')
        self.assertEqual(len(self.fga.query(q=q, context={"region": "us"}).data), 0)
        (row,) = self.fga.query(q="select document where user:ann is approve", context={"amount": 3}).data
        self.assertEqual((row.resource_id, row.is_implicit), ("plan", True))

    def test_missing_context(self):
        page = self.fga.query(q="select document where user:ann is approve")
        self.assertEqual(list(page.data), [])
        (warning,) = page.warnings
        self.assertEqual((warning.code, warning.keys), ("missing_context_keys", ["amount"]))

    def test_explicit(self):
        page = self.fga.query(q="select explicit document where user:ann is viewer")
        self.assertEqual([row.resource_id for row in page.data], ["notes"])

    def test_iteration(self):
        page = self.fga.query(q="select document where user:many is viewer", limit=4)
        self.assertEqual([row.resource_id for row in page.data], ["d32", "d31", "d30", "d29"])
        self.assertEqual([row.resource_id for row in page], [f"d{n:02}" for n in range(32, -1, -1)])

    def test_forwards_and_back(self):
        options = {"q": "select document where user:many is editor", "limit": 5, "order": "asc"}
        first = self.fga.query(**options)
        second = self.fga.query(**options, after=first.list_metadata.after)
        self.assertEqual([row.resource_id for row in second.data], ["d05", "d06", "d07", "d08", "d09"])
        back = self.fga.query(**options, before=second.list_metadata.before)
        self.assertEqual(back.data, first.data)

    def test_errors(self):
        for q in ["select", "select document", "select document where ann is viewer", "nonsense"]:
            with self.subTest(q), self.refused(BadRequestException, "invalid_parameter", "q"):
                self.fga.query(q=q)
        with self.refused(NotFoundException, "not_found"):
            self.fga.query(q="select planet where user:ann is viewer")
        with self.refused(BadRequestException, "invalid_parameter", "Warrant-Token"):
            self.fga.query(q="select document where user:ann is viewer", warrant_token="nonsense")
