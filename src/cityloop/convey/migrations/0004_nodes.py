from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("convey", "0003_sharing")]

    operations = []
