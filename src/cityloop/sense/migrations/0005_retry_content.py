"""What a request with an Idempotency-Key contained, so that another request under the same key is found out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sense", "0004_tasking")]

    operations = [
        migrations.AddField("Idempotency", "content", models.CharField(blank=True, db_default="", max_length=64)),
    ]
