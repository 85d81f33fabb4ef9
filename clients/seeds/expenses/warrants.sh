curl "$ROWGATE_URL/fga/v1/warrants" \
-X POST \
-H "Authorization: Bearer sk_example_123456789" \
--data-raw \
'[
  {
    "op": "create",
    "resource_type": "expense",
    "resource_id": "expense-1",
    "relation": "approval_team",
    "subject": {
      "resource_type": "team",
      "resource_id": "team-1"
    }
  },
  {
    "op": "create",
    "resource_type": "team",
    "resource_id": "team-1",
    "relation": "finance_manager",
    "subject": {
      "resource_type": "user",
      "resource_id": "user_2oDscjroNWtzxzYEnEzT9P7VYEe"
    }
  }
]'
